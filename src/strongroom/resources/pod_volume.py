"""The volumes of a pod."""

from __future__ import annotations

from typing import Annotated

from strongroom.api.schema import F, Struct, always
from strongroom.resources.pod_claim import EphemeralVolumeSource, PersistentVolumeClaimVolumeSource
from strongroom.resources.pod_projection import (
    ConfigMapVolumeSource,
    DownwardAPIVolumeSource,
    ProjectedVolumeSource,
    SecretVolumeSource,
)
from strongroom.resources.pod_storage import (
    AWSElasticBlockStoreVolumeSource,
    AzureDiskVolumeSource,
    AzureFileVolumeSource,
    CephFSVolumeSource,
    CinderVolumeSource,
    CSIVolumeSource,
    FCVolumeSource,
    FlexVolumeSource,
    FlockerVolumeSource,
    GCEPersistentDiskVolumeSource,
    GitRepoVolumeSource,
    GlusterfsVolumeSource,
    ISCSIVolumeSource,
    NFSVolumeSource,
    PhotonPersistentDiskVolumeSource,
    PortworxVolumeSource,
    QuobyteVolumeSource,
    RBDVolumeSource,
    ScaleIOVolumeSource,
    StorageOSVolumeSource,
    VsphereVirtualDiskVolumeSource,
)


class HostPathVolumeSource(Struct):
    """A path of the host."""

    path: Annotated[str, F(1, "Path on the host; links are followed.", required=True)] = always(str)
    type: Annotated[
        str | None,
        F(
            2,
            "What must be at the path, or is to be made there.",
            enum=(
                "",
                "BlockDevice",
                "CharDevice",
                "Directory",
                "DirectoryOrCreate",
                "File",
                "FileOrCreate",
                "Socket",
            ),
        ),
    ] = None


class EmptyDirVolumeSource(Struct):
    """A directory that lives as long as the pod."""

    medium: Annotated[str, F(1, "Empty for the node's disk, Memory for tmpfs.")] = ""
    sizeLimit: Annotated[str | None, F(2, "How much it may hold.", format="quantity")] = None
    mode: Annotated[
        int | None, F(3, "Mode bits of the directory; 0777 by default.", format="int32")
    ] = None


class ImageVolumeSource(Struct):
    """The content of an image or artifact, read-only."""

    reference: Annotated[str, F(1, "Name of the image.")] = ""
    pullPolicy: Annotated[
        str, F(2, "When the image is pulled.", enum=("Always", "IfNotPresent", "Never"))
    ] = ""


class Volume(Struct):
    """A directory that containers of the pod may mount; exactly one source is set."""

    name: Annotated[str, F(1, "Name of the volume; unique within the pod.", required=True)] = (
        always(str)
    )
    hostPath: Annotated[HostPathVolumeSource | None, F(1, "A path of the host.", within=2)] = None
    emptyDir: Annotated[
        EmptyDirVolumeSource | None, F(2, "A directory that lives as long as the pod.", within=2)
    ] = None
    gcePersistentDisk: Annotated[
        GCEPersistentDiskVolumeSource | None, F(3, "A disk of Google Cloud.", within=2)
    ] = None
    awsElasticBlockStore: Annotated[
        AWSElasticBlockStoreVolumeSource | None, F(4, "A disk of AWS.", within=2)
    ] = None
    gitRepo: Annotated[GitRepoVolumeSource | None, F(5, "A Git repository.", within=2)] = None
    secret: Annotated[SecretVolumeSource | None, F(6, "The keys of a Secret.", within=2)] = None
    nfs: Annotated[NFSVolumeSource | None, F(7, "An NFS mount.", within=2)] = None
    iscsi: Annotated[ISCSIVolumeSource | None, F(8, "An iSCSI disk.", within=2)] = None
    glusterfs: Annotated[GlusterfsVolumeSource | None, F(9, "A Glusterfs mount.", within=2)] = None
    persistentVolumeClaim: Annotated[
        PersistentVolumeClaimVolumeSource | None, F(10, "A volume that a claim has got.", within=2)
    ] = None
    rbd: Annotated[RBDVolumeSource | None, F(11, "A Ceph block device.", within=2)] = None
    flexVolume: Annotated[
        FlexVolumeSource | None, F(12, "A volume of an exec-based driver.", within=2)
    ] = None
    cinder: Annotated[CinderVolumeSource | None, F(13, "A disk of OpenStack.", within=2)] = None
    cephfs: Annotated[CephFSVolumeSource | None, F(14, "A CephFS mount.", within=2)] = None
    flocker: Annotated[FlockerVolumeSource | None, F(15, "A Flocker dataset.", within=2)] = None
    downwardAPI: Annotated[
        DownwardAPIVolumeSource | None, F(16, "Fields of the pod.", within=2)
    ] = None
    fc: Annotated[FCVolumeSource | None, F(17, "A Fibre Channel disk.", within=2)] = None
    azureFile: Annotated[
        AzureFileVolumeSource | None, F(18, "A file share of Azure.", within=2)
    ] = None
    configMap: Annotated[
        ConfigMapVolumeSource | None, F(19, "The keys of a ConfigMap.", within=2)
    ] = None
    vsphereVolume: Annotated[
        VsphereVirtualDiskVolumeSource | None, F(20, "A disk of vSphere.", within=2)
    ] = None
    quobyte: Annotated[QuobyteVolumeSource | None, F(21, "A Quobyte mount.", within=2)] = None
    azureDisk: Annotated[AzureDiskVolumeSource | None, F(22, "A disk of Azure.", within=2)] = None
    photonPersistentDisk: Annotated[
        PhotonPersistentDiskVolumeSource | None, F(23, "A disk of Photon.", within=2)
    ] = None
    projected: Annotated[
        ProjectedVolumeSource | None, F(26, "Several sources in one directory.", within=2)
    ] = None
    portworxVolume: Annotated[
        PortworxVolumeSource | None, F(24, "A Portworx volume.", within=2)
    ] = None
    scaleIO: Annotated[ScaleIOVolumeSource | None, F(25, "A ScaleIO volume.", within=2)] = None
    storageos: Annotated[StorageOSVolumeSource | None, F(27, "A StorageOS volume.", within=2)] = (
        None
    )
    csi: Annotated[CSIVolumeSource | None, F(28, "A volume of a CSI driver.", within=2)] = None
    ephemeral: Annotated[
        EphemeralVolumeSource | None,
        F(29, "A volume made by a storage driver for the pod's life.", within=2),
    ] = None
    image: Annotated[ImageVolumeSource | None, F(30, "The content of an image.", within=2)] = None
